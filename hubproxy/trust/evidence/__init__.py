"""Publisher signatures: evidence that is checked when a module is proposed, never the trust list.

A signature says who made some bytes, not which module they are nor that it may be served: an old
or another module of the same publisher verifies as well. So it counts only by a rule of the
officers' policy that names him exactly, it must cover every file (nothing is ignored), and what
it says goes into a record that officers sign.
"""

from hubproxy.trust.evidence.verify import check, check_rule, kind_of, needed

__all__ = ["check", "check_rule", "kind_of", "needed"]
