"""Download a URL into a file with `requests`, or print the error as a job would see it.

python fetch_requests.py URL FILE
"""

import sys
from pathlib import Path

import requests

try:
    answer = requests.get(sys.argv[1], timeout=60)
    answer.raise_for_status()
    Path(sys.argv[2]).write_bytes(answer.content)
except requests.RequestException as error:
    sys.exit(str(error))
