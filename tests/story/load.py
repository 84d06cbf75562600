"""load.py URL STOP: asks for URL without end from two threads until the file STOP is there, then prints how many
requests were answered with which body, in the order of first sight, and how many were lost."""

import collections
import pathlib
import sys
import threading
import time
import urllib.request

url, stop = sys.argv[1], pathlib.Path(sys.argv[2])
lock = threading.Lock()
runs = []  # [body, count]: consecutive equal answers
lost = collections.Counter()
total = 0


def ask():
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.read().decode().strip(), None
    except OSError as error:
        return None, str(error)


def work():
    global total
    while not stop.exists():
        body, error = ask()
        with lock:
            total += 1
            if error:
                lost[error] += 1
            elif not runs or runs[-1][0] != body:
                runs.append([body, 1])
            else:
                runs[-1][1] += 1
        time.sleep(0.01)


threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

# Two threads may see a switch in either order: what counts is where it began, led and ended.
seen = collections.Counter()
for body, count in runs:
    seen[body] += count
order = [body for index, (body, _) in enumerate(runs) if index == 0 or runs[index - 1][0] != body]
print(f"{total} requests: " + ", ".join(f"{count} saw version {body}" for body, count in sorted(seen.items()))
      + f"; first {order[0]}, last {order[-1]}; {sum(lost.values())} lost")
for error, count in lost.items():
    print(f"  {count} × {error}")
sys.exit(1 if lost else 0)
