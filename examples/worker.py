"""A worker: does a piece of work every two seconds and ends cleanly on SIGTERM."""
import signal
import threading

stop = threading.Event()
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: stop.set())

jobs = 0
print("worker ready", flush=True)
while not stop.wait(2):
    jobs += 1
    print(f"job {jobs}: {sum(range(jobs * 1000))}", flush=True)
print(f"worker done after {jobs} jobs", flush=True)
