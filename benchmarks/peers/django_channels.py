"""Django Channels on Daphne with the Redis layer: the consumer of the Channels tutorial.

django_channels.py PORT FOLDER; starts a Redis of its own, without persistence, on a socket in FOLDER.
"""

import subprocess
import sys
import time
from pathlib import Path

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from daphne.server import Server
from django.conf import settings
from django.urls import re_path

PORT, REDIS = int(sys.argv[1]), Path(sys.argv[2]) / "redis.sock"


class Chat(AsyncWebsocketConsumer):
    async def connect(self):
        self.room = self.scope["url_route"]["kwargs"]["room"]
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.room, self.channel_name)

    async def receive(self, text_data=None, bytes_data=None):
        await self.channel_layer.group_send(self.room, {"type": "chat.message", "text": text_data})

    async def chat_message(self, event):
        await self.send(text_data=event["text"])


def start_redis():
    options = ["--port", "0", "--unixsocket", str(REDIS), "--save", "", "--appendonly", "no"]
    subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
    for _ in range(200):
        if REDIS.exists():
            return
        time.sleep(0.02)
    sys.exit("Redis did not start")


def main():
    layer = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [f"unix://{REDIS}"]}}
    settings.configure(CHANNEL_LAYERS={"default": layer}, SECRET_KEY="benchmark", ALLOWED_HOSTS=["*"])
    django.setup()
    start_redis()
    application = ProtocolTypeRouter(
        {"websocket": URLRouter([re_path(r"ws/(?P<room>\w+)$", Chat.as_asgi())])}
    )
    Server(application, endpoints=[f"tcp:port={PORT}:interface=127.0.0.1"], signal_handlers=False).run()


main()
