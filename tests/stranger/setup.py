from setuptools import setup

setup(
    name="chatserver-tally",
    version="1.0",
    description="Polls for chatserver",
    python_requires=">=3.11",
    install_requires=["chatserver"],
    packages=["chatserver_tally"],
    package_data={"chatserver_tally": ["static/*"]},
    # The name here is the plugin's name everywhere: in the settings, in addresses, before its tables and events.
    entry_points={"chatserver.plugins": ["tally = chatserver_tally:Tally"]},
)
