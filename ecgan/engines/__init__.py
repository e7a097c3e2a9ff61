"""Where work is done: in this process, in a pool of processes of this machine, or on a cluster."""
