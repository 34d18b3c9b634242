"""Asks whether a known vulnerability stands in what is installed, by pip-audit, and says so in a line or a table.

    $ python -m tests.audit
    171 packages audited, no known vulnerability.

It ends with 1 where there is one. A service that is not reached, or knows nothing of what is installed, fails nothing:
one line says that nothing, or not all, was audited.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

SECONDS = 300
"""After which the service is taken to be away."""
COMMAND = [sys.executable, "-m", "pip_audit", "--local", "--format", "json", "--progress-spinner", "off"]


def told(report: dict[str, Any]) -> tuple[list[str], bool]:
    """Return the lines that say what a report of pip-audit holds, and whether something in it is vulnerable."""
    packages = report.get("dependencies", [])
    asked = [package for package in packages if "skip_reason" not in package]
    found = [
        f"{package['name']} {package['version']}: {flaw['id']}, mended in "
        f"{', '.join(flaw.get('fix_versions') or ()) or 'no version yet'}"
        for package in asked
        for flaw in package.get("vulns", ())
    ]
    left = len(packages) - len(asked)
    if not asked:
        return ["Nothing was audited: the advisory service knows none of what is installed, or is not reached."], False
    also = f" (of {left:,} others the service knows nothing)" if left else ""
    if not found:
        return [f"{len(asked):,} packages audited, no known vulnerability{also}."], False
    return [*found, f"{len(found):,} known vulnerabilities in {len(asked):,} packages{also}."], True


def main() -> int:
    """Audit what is installed; return the exit code."""
    try:
        done = subprocess.run(COMMAND, capture_output=True, text=True, timeout=SECONDS)
        lines, vulnerable = told(json.loads(done.stdout))
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        lines, vulnerable = ["Nothing was audited: the advisory service is not reached."], False
    print("\n".join(lines))
    return int(vulnerable)


if __name__ == "__main__":
    raise SystemExit(main())
