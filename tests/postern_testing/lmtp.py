"""An LMTP server (RFC 2033) that stores what a client delivers."""

import os
import re
import socketserver
import threading


class Handler(socketserver.StreamRequestHandler):
    """One client, which may deliver any number of messages."""

    def handle(self):
        """Answer commands until the client leaves."""
        self.reply("220 localhost LMTP")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"DATA":
                self.reply("354 go on")
                self.store(self.message())
            self.reply("221 bye" if verb == b"QUIT" else "250 localhost")
            if verb == b"QUIT":
                return

    def reply(self, text):
        """Send one line."""
        self.wfile.write(f"{text}\r\n".encode())

    def message(self):
        """Read a message to its final dot."""
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(re.sub(rb"^\.", b"", line))
        return b"".join(lines)

    def store(self, message):
        """Write a message with the line ends of Unix."""
        self.server.count += 1
        path = os.path.join(self.server.folder, f"lmtp{self.server.count}")
        with open(path, "wb") as file:
            file.write(message.replace(b"\r\n", b"\n"))


class Lmtp(socketserver.ThreadingTCPServer):
    """A server on a free port that writes into 'folder'.  Use it with with."""

    daemon_threads = True

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.count = folder, 0
        self.port = self.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self.shutdown()
        self.server_close()
