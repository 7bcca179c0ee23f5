"""What can go wrong while installing, starting and inspecting, named by what the person does next."""


class DeployError(Exception):
    """Expected trouble: shown as one line, without a traceback."""


class Missing(DeployError):
    """Something must be installed first; the message has the exact command."""


class PortTaken(DeployError):
    """Another program listens where a service must; stop it, or move all ports with TALLY_PORT_BASE."""


class WrongSetting(DeployError):
    """A setting has a value that cannot work; the message names all of them."""


class NotRunning(DeployError):
    """The installation must be started first: ./tally up."""


class ServiceFailed(DeployError):
    """A service or a preparation step did not succeed; the message ends with the end of its log."""


class RestoreUnfinished(DeployError):
    """A restore was killed on its way: repeat it, or give it up."""


class BackupRuns(DeployError):
    """Another backup or restore runs: wait for its end."""


class NoRoom(DeployError):
    """The disk is too small: make room, or name another one."""
