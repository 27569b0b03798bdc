"""The program that shows made-up intervals."""

import subprocess


class Source:
    """Runs it as long as the block lasts; `address` is where it answers."""

    def __init__(self, program, folder, intervals, otlp=""):
        self.program = program
        self.config = folder / "metrics.toml"
        self.config.write_text(f'[metrics]\naddress = "127.0.0.1:0"\n{otlp}', encoding="utf-8")
        self.intervals = folder / "intervals.json"
        intervals.write(self.intervals)

    def __enter__(self):
        command = [self.program, self.config, self.intervals]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()
        if not self.address:
            raise RuntimeError(f"{self.program} did not say where it answers")
        return self

    def __exit__(self, *_):
        """Lets it push the rest and end."""
        self.process.stdin.close()
        if self.process.wait(timeout=60) != 0:
            raise RuntimeError(f"{self.program} failed")
