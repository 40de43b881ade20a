"""Plays windows through the reference gate. stdin: a run a line, `delta gated` and then `xc yb nc nb whole` for each poll;
stdout: for each poll its decision and numbers. `whole` says that the step in force was so during the whole window."""
import sys

from reference_gate import Policy

for line in sys.stdin:
    head, *polls = line.rstrip("\n").split(";")
    delta, gated = head.split()
    policy = Policy(gated=int(gated), delta=float(delta) or None)
    played = []
    for poll in polls:
        xc, yb, nc, nb, whole = (int(word) for word in poll.split())
        out = policy.poll(15, xc, yb, nc, nb, policy.step if whole else None)
        played.append(" ".join([out["decision"]] + [repr(out.get(key, 0.0)) for key in ("logEHarm", "logENi", "logEGuard")]))
        if out["decision"] in ("ABORT", "COMPLETE"):
            break
    print(";".join(played))
