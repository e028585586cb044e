"""Run by each Python: download a URL into a file, or print the error as a job would see it.

python fetch_urllib.py URL FILE
"""

import sys
import urllib.error
import urllib.request
from pathlib import Path

try:
    with urllib.request.urlopen(sys.argv[1], timeout=60) as answer:
        Path(sys.argv[2]).write_bytes(answer.read())
except urllib.error.URLError as error:
    sys.exit(str(error))
