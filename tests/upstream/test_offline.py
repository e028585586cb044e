import pytest

from hubproxy.core.handle import Handle
from hubproxy.errors import NotMirroredError
from hubproxy.upstream.offline import Offline


async def test_a_miss_without_a_network_is_final_and_says_what_to_do() -> None:
    exact = Handle.parse("tfhub.dev/google/spice/2")
    with pytest.raises(NotMirroredError, match="the mirror is offline") as refused:
        async with Offline().open(exact):
            pass
    assert "hubproxy bundle create DIR tfhub.dev/google/spice/2" in refused.value.remedy
