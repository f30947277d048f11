"""The process in which the bundled bcftools runs: one command, read from standard input as a JSON list
with the most memory it may take before it.

A process of its own, since bcftools is C code with global state that a hostile file may crash, and since a
child can be stopped. The import of pysam is done before the command is read, so a child that is started
early is ready when it is wanted.
"""

import json
import resource
import sys

import pysam.bcftools
import pysam.version

STREAMED = {"view", "query", "norm"}


def main() -> int:
    line = sys.stdin.buffer.readline()
    if not line:
        return 0
    memory, command, *arguments = json.loads(line)
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    if command == "--version":
        print("bcftools", pysam.version.__bcftools_version__, "with pysam", pysam.version.__version__)
        return 0
    function = getattr(pysam.bcftools, command)
    try:
        if "-o" in arguments:
            function(*arguments, catch_stdout=False)
        elif command in STREAMED:
            function("-o", "/dev/stdout", *arguments, catch_stdout=False)
        else:
            sys.stdout.write(function(*arguments))
        sys.stderr.write(function.get_messages() or "")
    except pysam.utils.SamtoolsError as error:
        sys.stderr.write(f"\nERROR {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
