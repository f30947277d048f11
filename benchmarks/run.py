"""Time everything, print one JSON object with the raw numbers, and say what was reached.

run.py [questions|engine|validation|toolbox]

Ratios compare things measured in turn in the same run, since machines are noisy.
"""

import json
import os
import platform
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import data_engine
import questions
import toolbox
import validation

PARTS = {
    "questions": questions.measure,
    "engine": data_engine.measure,
    "validation": validation.measure,
    "toolbox": toolbox.measure,
}


def main() -> None:
    wanted = sys.argv[1:] or list(PARTS)
    machine = {"python": platform.python_version(), "cpus": os.cpu_count(), "system": platform.platform()}
    result = {"machine": machine} | {name: PARTS[name]() for name in wanted}
    kept = Path(__file__).parent / "results" / f"{time.strftime('%Y%m%dT%H%M%S')}.json"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(result, indent=2))
    print(json.dumps(result, indent=2))
    for row in (row for name in wanted for row in result[name].get("figures", [])):
        print(f"{row['figure']:<70} {row['reached']:>10} (at most {row['limit']})", file=sys.stderr)


if __name__ == "__main__":
    main()
