"""The ways in which a daemon comes to its end while the apps go on."""


def kill_daemon(home):
    home.wait_new_daemon(home.kill_daemon())


def kill_keeper(home):
    home.kill_keeper()
    home.wait_new_daemon(-1)


def update(home):
    home.ok("update")


ENDS = {"daemon": kill_daemon, "keeper": kill_keeper, "update": update}
