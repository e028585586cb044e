"""Where a proxy must not lead: targets of CONNECT that are refused before anything is opened.

In a row, `{reverse}`, `{forward}` and `{canary}` are ports on loopback: of the site's two listeners
and of a server that nobody may reach.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bad:
    """What CONNECT names. `audited`: it names a host and a port, so that the log tells of it."""

    authority: bytes
    audited: bool = False


def _malformed(**rows: str | bytes) -> dict[str, Bad]:
    return {
        name.replace("_", "-"): Bad(text.encode() if isinstance(text, str) else text)
        for name, text in rows.items()
    }


def _named(**rows: str) -> dict[str, Bad]:
    return {name.replace("_", "-"): Bad(text.encode(), audited=True) for name, text in rows.items()}


# A hub's name, and another port; or no port that is one.
PORTS = _named(
    ssh="tfhub.dev:22",
    smtp="tfhub.dev:25",
    plain_http="tfhub.dev:80",
    redis="tfhub.dev:6379",
    tls_elsewhere="tfhub.dev:8443",
    the_last="tfhub.dev:65535",
) | _malformed(
    port_0="tfhub.dev:0",
    port_too_large="tfhub.dev:65536",
    port_that_wraps="tfhub.dev:65979",
    port_of_40_digits="tfhub.dev:" + "4" * 40,
    port_empty="tfhub.dev:",
    port_left_out="tfhub.dev",
    port_with_a_letter="tfhub.dev:443a",
    port_signed="tfhub.dev:+443",
    port_negative="tfhub.dev:-443",
    port_hex="tfhub.dev:0x1bb",
    port_a_word="tfhub.dev:https",
    port_twice="tfhub.dev:443:443",
    port_of_another="tfhub.dev:443:22",
    port_with_a_space="tfhub.dev: 443",
    port_with_a_space_behind="tfhub.dev:443 ",
    port_with_a_tab_behind="tfhub.dev:443\t",
    port_with_a_nul=b"tfhub.dev:443\x00",
    port_in_arabic="tfhub.dev:\u0664\u0664\u0663",
    port_in_full_width="tfhub.dev:\uff14\uff14\uff13",
    port_underscored="tfhub.dev:4_43",
)

# No authority at all, or more than one.
FORMS = _malformed(
    empty="",
    only_a_port=":443",
    asterisk="*",
    asterisk_and_port="*:443",
    absolute="https://tfhub.dev:443/",
    absolute_without_a_port="https://tfhub.dev/google/spice/2",
    plain_absolute="http://tfhub.dev/google/spice/2",
    path="/tfhub.dev:443",
    module="/tfhub.dev/google/spice/2",
    path_behind="tfhub.dev:443/google/spice/2",
    slash_behind="tfhub.dev:443/",
    query_behind="tfhub.dev:443?a=b",
    fragment_behind="tfhub.dev:443#a",
    backslash="tfhub.dev\\@other.example:443",
    user="user@tfhub.dev:443",
    user_and_password="user:secret@tfhub.dev:443",
    user_empty="@tfhub.dev:443",
    hub_as_a_user="tfhub.dev:443@other.example:443",
    list_of_two="tfhub.dev:443,other.example:443",
    semicolon="tfhub.dev;other.example:443",
    two_words="tfhub.dev:443 other.example:443",
    quoted='"tfhub.dev":443',
)

# Names that are no hub's, some of which look like one.
NAMES = _named(
    another="other.example:443",
    below="models.tfhub.dev:443",
    behind="tfhub.dev.other.example:443",
    joined="eviltfhub.dev:443",
    one_letter_off="tfhubs.dev:443",
    top_level="dev:443",
    punycode="xn--tfhb-3ua.dev:443",
    a_public_address="8.8.8.8:443",
) | _malformed(
    leading_dot=".tfhub.dev:443",
    two_dots_inside="tfhub..dev:443",
    two_dots_behind="tfhub.dev..:443",
    only_a_dot=".:443",
    leading_hyphen="-tfhub.dev:443",
    punycode_of_ascii="xn--tfhub-.dev:443",
    escape="tfhub%2edev:443",
    escaped_letter="%74fhub.dev:443",
    escaped_digit="%31.0.0.1:443",
    escaped_nul="tfhub.dev%00.other.example:443",
    nul=b"tfhub.dev\x00.other.example:443",
    control=b"tfhub.dev\x01:443",
    line_feed=b"tfhub.dev\n:443",
    carriage_return=b"tfhub.dev\r:443",
    tab="tfhub.dev\t:443",
    space_before=" tfhub.dev:443",
    cyrillic="tfhu\u0432.dev:443",
    full_width="\uff54\uff46\uff48\uff55\uff42.dev:443",
    ideographic_dot="tfhub\u3002dev:443",
    soft_hyphen="tf\u00adhub.dev:443",
    kelvin_sign="\u212aaggle.com:443",
    latin_1=b"tfhub\xe9.dev:443",
    a_label_of_64="a" * 64 + ".dev:443",
    of_254_bytes="a." * 125 + "abcd:443",
    of_10_kB="a." * 5000 + "dev:443",
    of_10_kB_in_unicode="\u00e9" * 5000 + ".dev:443",
)

# Addresses that are nobody's business, in every spelling that some resolver takes.
ADDRESSES = _named(
    loopback="127.0.0.1:443",
    loopback_elsewhere="127.8.8.8:443",
    any="0.0.0.0:443",
    private_10="10.0.0.1:443",
    private_172="172.16.0.1:443",
    private_192="192.168.1.1:443",
    carrier_grade="100.64.0.1:443",
    metadata="169.254.169.254:443",
    metadata_of_azure="168.63.129.16:443",
    metadata_of_oracle="192.0.0.192:443",
    multicast="224.0.0.1:443",
    broadcast="255.255.255.255:443",
    benchmarking="198.18.0.1:443",
    reserved="240.0.0.1:443",
    v6_loopback="[::1]:443",
    v6_loopback_in_full="[0:0:0:0:0:0:0:1]:443",
    v6_any="[::]:443",
    v6_mapped="[::ffff:127.0.0.1]:443",
    v6_mapped_in_hex="[::ffff:7f00:1]:443",
    v6_mapped_metadata="[::ffff:169.254.169.254]:443",
    v6_mapped_carrier_grade="[::ffff:100.64.0.1]:443",
    v6_compatible="[::127.0.0.1]:443",
    v6_nat64="[64:ff9b::7f00:1]:443",
    v6_nat64_metadata="[64:ff9b::a9fe:a9fe]:443",
    v6_6to4="[2002:7f00:1::]:443",
    v6_teredo="[2001:0:7f00:1::]:443",
    v6_link_local="[fe80::1]:443",
    v6_site_local="[fec0::1]:443",
    v6_private="[fd00:ec2::254]:443",
    v6_multicast="[ff02::1]:443",
    ourselves="127.0.0.1:{forward}",
    our_reverse_port="127.0.0.1:{reverse}",
    a_neighbour="127.0.0.1:{canary}",
    a_neighbour_by_name="localhost:{canary}",
) | _malformed(
    short="127.1:443",
    three_parts="127.0.1:443",
    hex_short="0x7f.1:443",
    hex="0x7f000001:443",
    decimal="2130706433:443",
    octal="0177.0.0.1:443",
    octal_whole="017700000001:443",
    zeros_in_front="127.000.000.001:443",
    zero="0:443",
    dot_behind="127.0.0.1.:443",
    full_width_digits="\uff11\uff12\uff17.0.0.1:443",
    circled_digits="\u2460\u2461\u2466.\u24ea.\u24ea.\u2460:443",
    ideographic_dots="127\u30020\u30020\u30021:443",
    metadata_in_decimal="2852039166:443",
    metadata_in_hex="0xa9fea9fe:443",
    metadata_in_octal="0251.0376.0251.0376:443",
    metadata_short="169.254.43518:443",
    too_large="256.0.0.1:443",
    five_parts="1.2.3.4.5:443",
    v6_without_brackets="::1:443",
    v6_without_a_port="[::1]",
    v6_open="[::1:443",
    v6_zone="[fe80::1%25eth0]:443",
    v6_zone_unescaped="[fe80::1%eth0]:443",
    v6_no_address="[:::::]:443",
    v6_empty="[]:443",
    v4_in_brackets="[127.0.0.1]:443",
    name_in_brackets="[tfhub.dev]:443",
    canary_short="127.1:{canary}",
    canary_hex="0x7f.1:{canary}",
    canary_decimal="2130706433:{canary}",
    canary_octal="0177.0.0.1:{canary}",
)  # fmt: skip

BAD: dict[str, Bad] = {
    f"{kind}-{name}": row
    for kind, table in (
        ("port", PORTS), ("form", FORMS), ("name", NAMES), ("address", ADDRESSES)
    )
    for name, row in table.items()
}  # fmt: skip

LEADING_HOME = _named(name="localhost:443", dot_behind="localhost.:443", capitals="LOCALHOST:443")
"""Names that resolve to loopback: refused also where every name may be tunnelled to."""
