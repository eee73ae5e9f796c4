"""How gunicorn serves the house under the supervisor: its configuration file.

Address and environment come from the command line
(``gunicorn -c python:crm.runner.web``); every name below is a setting of gunicorn.
"""

import gc
import os

from crm.runner.leash import tie_to_parent

workers = 2
worker_class = "gthread"
threads = 4
#: One import for both, and a dead worker is back at once.
preload_app = True
graceful_timeout = 8
timeout = 60
control_socket_disable = True
loglevel = "warning"
if os.access("/dev/shm", os.W_OK):  # noqa: S108  heartbeats off the disk
    worker_tmp_dir = "/dev/shm"  # noqa: S108


#: So many more objects than were let go may be made before garbage is looked for. A
#: quote makes thousands and leaves none that only a search would find.
_MADE_BETWEEN_SEARCHES = 10_000


def when_ready(server) -> None:
    """Take what was imported out of the search for garbage, before workers are forked.

    It stays for ever. A search through all of it holds a request up by tens of
    milliseconds, and copies memory that workers share.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_MADE_BETWEEN_SEARCHES)


def post_fork(server, worker) -> None:
    """Tie a worker to its master, as the master is tied to the supervisor.

    A worker left alone would end by itself, but only once its requests are served.
    """
    tie_to_parent(worker.ppid)
