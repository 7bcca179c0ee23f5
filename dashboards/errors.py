"""What can go wrong with dashboards, named by the caller's next move."""


class DashboardsError(Exception):
    """Anything that keeps the dashboards from being served as they are in the checkout."""


class WrongSetting(DashboardsError):
    """Fix the configuration, then start again."""


class SupersetUnavailable(DashboardsError):
    """Superset does not answer (yet): try again."""


class SupersetRefused(DashboardsError):
    """Superset understood and said no: fix the assets or the password; trying again changes nothing."""
