"""The processes that `gatepost serve` consists of: a supervisor, the data plane and the worker.

This is where the parts are put together; nothing else imports from here, except the command line for the supervisor
and the control sockets.
"""
