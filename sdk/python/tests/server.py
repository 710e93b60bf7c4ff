"""A small server of the same wire, in this process, that can be told to misbehave."""

import gzip
import http.server
import json
import re
import socket
import threading
import time
import urllib.parse


class Server:
    """Keeps what it acknowledged in plain lists; faults are switched on by its attributes."""

    def __init__(self, port=0, after=None):
        self.projects, self.runs, self.points, self.console, self.artifacts = [], [], [], [], {}
        self.batch_ids, self.requests, self.heartbeats = set(), [], 0
        self.tokens = {"token-0"}
        if after is not None:  # the same server, started again
            after.stop()
            for name in (
                "projects",
                "runs",
                "points",
                "console",
                "artifacts",
                "batch_ids",
                "tokens",
            ):
                setattr(self, name, getattr(after, name))
        self.drop_replies = 0  # so many requests are carried out and never answered
        self.refuse = []  # (status, headers) answered instead, one a request
        self.refuse_uploads = None  # a status, answered before the body is read
        self.refuse_batches = None  # a detail: each batch is answered by 400
        self._lock = threading.Lock()
        self._open = set()
        self._stopped = False
        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._http.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self._stopped:
            return
        self._stopped = True
        self._http.shutdown()
        self._http.server_close()
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def values(self, name):
        """What is stored under a name, in order of step."""
        found = sorted((p["step"], p["value"]) for p in self.points if p["name"] == name)
        return [value for _, value in found]

    def answer(self, method, path, query, headers, body):
        if path == "/auth/login":
            form = urllib.parse.parse_qs(body.decode())
            if form.get("password") != ["pass"]:
                return 401, {"detail": "Incorrect username or password"}
            token = "token-%d" % (len(self.tokens) + 1)
            self.tokens.add(token)
            return 200, {"access_token": token, "token_type": "bearer"}
        if headers.get("Authorization", "").partition(" ")[2] not in self.tokens:
            return 401, {"detail": "Could not validate credentials"}
        if headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        match = re.fullmatch(r"/runs/(\d+)/artifacts/(.*)", path)
        if match:
            self.artifacts[urllib.parse.unquote(match[2])] = body
            return 200, {"path": match[2], "size": len(body)}
        return self._answer(method, path.rstrip("/"), query, json.loads(body) if body else {})

    def _answer(self, method, path, query, body):
        if path == "/auth/me":
            return 200, {"id": 1, "username": "user"}
        if path == "/auth/keys":
            self.tokens.add("hearth_key")
            return 200, {"id": 1, "key": "hearth_key", **body}
        if path == "/projects" and method == "GET":
            skip = int(query["skip"])
            return 200, self.projects[skip : skip + int(query["limit"])]
        if path == "/projects":
            newest = max([project["id"] for project in self.projects], default=0)
            self.projects.append({"id": newest + 1, "owner_id": 1, **body})
            return 200, self.projects[-1]
        if path == "/runs":
            return 200, self._create_run(int(query["project_id"]), body)
        if method == "DELETE":
            number = int(path.rpartition("/")[2])
            self.projects = [project for project in self.projects if project["id"] != number]
            return 200, {"message": "deleted"}
        run_id = int(re.search(r"/(\d+)(/|$)", path)[1])
        if run_id > len(self.runs):
            return 404, {"detail": "Resource not found"}
        run = self.runs[run_id - 1]
        if path.endswith("/batch"):
            return self._store(run_id, body)
        if path.endswith("/console"):
            self.console.append(body)
        elif path.endswith("/heartbeat"):
            self.heartbeats += 1
        elif path.endswith("/resume"):
            run["status"] = "running"
        elif path.endswith("/summary"):
            return 200, self._summary(run_id)
        elif method == "PUT":
            run.update(body)
        return 200, run

    def _create_run(self, project_id, body):
        for run in self.runs:
            if run["project_id"] == project_id and run.get("run_key") == body.get("run_key"):
                return run
        run = {"id": len(self.runs) + 1, "project_id": project_id, "status": "running", **body}
        self.runs.append(run)
        return run

    def _store(self, run_id, body):
        if self.refuse_batches:
            return 400, {"detail": self.refuse_batches}
        repeated = body["batch_id"] in self.batch_ids
        self.batch_ids.add(body["batch_id"])
        count = 0
        for series in body["series"]:
            for value, step, time_us in zip(series["values"], series["steps"], series["times"]):
                count += 1
                if not repeated:
                    point = {"name": series["name"], "value": value, "step": step}
                    self.points.append({"run_id": run_id, "time": time_us, **point})
        return 200, {"message": "Logged %d metrics successfully" % count}

    def _summary(self, run_id):
        rows = {}
        for point in self.points:
            if point["run_id"] == run_id:
                row = rows.setdefault(point["name"], {"name": point["name"], "total_points": 0})
                row["current_value"] = point["value"]
                row["total_points"] += 1
        return list(rows.values())

    def _handler(server):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self):
                try:
                    super().handle()
                except ConnectionError:
                    pass  # a training that was killed

            def setup(self):
                server._open.add(self.request)
                super().setup()

            def finish(self):
                server._open.discard(self.request)
                super().finish()

            def handle_request(self):
                if server.refuse_uploads and "/artifacts/" in self.path:
                    self.close_connection = True
                    self.reply(server.refuse_uploads, {}, b'{"detail": "too large"}')
                    self.connection.shutdown(socket.SHUT_WR)
                    while self.rfile.read1(1 << 16):
                        pass
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(parts.query))
                with server._lock:
                    server.requests.append((time.monotonic(), self.command, parts.path))
                    status, headers = server.refuse.pop(0) if server.refuse else (None, {})
                    if status is None:
                        status, reply = server.answer(
                            self.command, parts.path, query, self.headers, body
                        )
                    else:
                        reply = {"detail": "told to refuse"}
                    drop = server.drop_replies > 0 and parts.path.endswith("/batch")
                    server.drop_replies -= 1 if drop else 0
                if drop:
                    self.close_connection = True
                    return
                plain = b"<h1>a proxy</h1>" if "X-Plain" in headers else None
                self.reply(status, headers, plain or json.dumps(reply).encode())

            def reply(self, status, headers, data):
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(data))}.items():
                    self.send_header(name, value)
                self._headers_buffer.append(b"\r\n" + data)  # one packet: no waiting for an ACK
                self.flush_headers()

            do_GET = do_POST = do_PUT = do_DELETE = handle_request

            def log_message(self, *_):
                pass

        return Handler
