"""Speaks HTTP with the server: one kept connection a thread, log in when needed, plain errors."""

import encodings.idna
import gzip
import http.client
import json
import mimetypes
import os
import threading
import urllib.parse
import urllib.request

from . import credentials

# The first connection would import it, in a thread; a fork at that moment leaves the child with an
# import lock that nobody releases.
IMPORTED_EARLY = encodings.idna
DEFAULT_URL = "http://127.0.0.1:8000"
GZIP_FROM_BYTES = 4096


class HearthError(Exception):
    """The server refused a request; `status` is 0 when it could not be reached at all.

    `code` is the server's word for the reason; answers without one come from something in between.
    """

    def __init__(self, message, status=0, retry_after_s=None, code=None):
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s
        self.code = code

    @property
    def temporary(self):
        """Whether the same request may succeed later."""
        refused = 400 <= self.status < 500 and self.status not in (401, 408, 425, 429)
        return not (refused and self.code)


class Client:
    """One server and who we are there. Safe to share between threads, and usable after a fork."""

    def __init__(self, url=None, token=None, username=None, password=None, timeout_s=30.0):
        self.url = (url or os.environ.get("HEARTH_URL") or DEFAULT_URL).rstrip("/")
        self.username = username
        self.password = password
        self.timeout_s = timeout_s
        self._token = token or os.environ.get("HEARTH_TOKEN") or None
        self._can_log_in = self._token is None and username is not None
        self._parts = urllib.parse.urlsplit(self.url)
        if self._parts.scheme not in ("http", "https") or not self._parts.hostname:
            raise ValueError(f"not the address of a server: {self.url!r}")
        self._local = threading.local()

    def log_in(self):
        """Exchanges user name and password for a token."""
        form = urllib.parse.urlencode({"username": self.username, "password": self.password})
        self._token = self._json(
            "POST",
            "/auth/login",
            form.encode(),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )["access_token"]
        return self._token

    def register(self, email):
        """Creates the user whose name and password this client holds."""
        body = {"email": email, "username": self.username, "password": self.password}
        headers = {"Content-Type": "application/json"}
        return self._json("POST", "/auth/register", json.dumps(body).encode(), headers)

    def get(self, path, **query):
        return self._authorized("GET", _with_query(path, query))

    def delete(self, path, **query):
        return self._authorized("DELETE", _with_query(path, query))

    def post(self, path, body):
        return self.send("POST", path, json.dumps(body).encode())

    def put(self, path, body):
        return self.send("PUT", path, json.dumps(body).encode())

    def send(self, method, path, body):
        """Sends bytes that already are JSON, compressed when that pays."""
        headers = {"Content-Type": "application/json"}
        if len(body) >= GZIP_FROM_BYTES and path.startswith("/metrics/"):
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        return self._authorized(method, path, body, headers)

    def upload(self, path, file, size_bytes, digest):
        """Streams an open file."""
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        headers = {
            "Content-Type": kind,
            "Content-Length": str(size_bytes),
            "Digest": "sha-256=" + digest,
        }
        return self._authorized("PUT", path, file, headers)

    def close(self):
        """Closes this thread's connection."""
        connection, self._local.connection = getattr(self._local, "connection", None), None
        if connection is not None:
            connection.close()

    def _authorized(self, method, path, body=None, headers=None):
        token = self._token
        if token is None:
            token = self.log_in() if self._can_log_in else credentials.load(self.url)
        try:
            return self._json(method, path, body, headers, token)
        except HearthError as error:
            if error.status != 401 or not self._can_log_in:
                raise
        if hasattr(body, "seek"):
            body.seek(0)
        return self._json(method, path, body, headers, self.log_in())

    def _json(self, method, path, body=None, headers=None, token=None):
        headers = dict(headers or {}, Accept="application/json")
        headers["User-Agent"] = "hearth-client/0.1.0"
        if token:
            headers["Authorization"] = "Bearer " + token
        status, reply_headers, data = self._exchange(method, path, body, headers)
        if 200 <= status < 300:
            try:
                return json.loads(data) if data else None
            except ValueError:
                raise HearthError(f"{self.url} does not answer as a Hearth server does") from None
        retry_after = reply_headers.get("Retry-After", "")
        detail, code = _reason(data)
        raise HearthError(
            f"{method} {path}: {status} {detail}",
            status,
            float(retry_after) if retry_after.isdigit() else None,
            code,
        )

    def _exchange(self, method, path, body, headers):
        """Sends one request, and once more when a kept connection turns out to be closed."""
        while True:
            connection, kept = self._connection()
            try:
                try:
                    connection.request(method, self._prefix + path, body, headers)
                except (BrokenPipeError, ConnectionResetError):
                    if connection.sock is None:
                        raise
                # Also after a broken pipe: a server may refuse a large body before it has read it.
                reply = connection.getresponse()
                return reply.status, reply.headers, reply.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self._local.connection = None
                stale = isinstance(error, (http.client.BadStatusLine, ConnectionError))
                if not (kept and stale):
                    reason = error or type(error).__name__
                    raise HearthError(f"{self.url} cannot be reached: {reason}") from error
                if hasattr(body, "seek"):
                    body.seek(0)

    def _connection(self):
        local = self._local
        if getattr(local, "connection", None) is not None and local.pid == os.getpid():
            return local.connection, True
        local.pid = os.getpid()
        local.connection = self._connect()
        return local.connection, False

    def _connect(self):
        parts = self._parts
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        proxy = urllib.request.getproxies().get(parts.scheme)
        self._prefix = parts.path
        if not proxy or urllib.request.proxy_bypass(parts.hostname):
            return kind(parts.hostname, parts.port, timeout=self.timeout_s)
        via = urllib.parse.urlsplit(proxy if "//" in proxy else "//" + proxy)
        connection = kind(via.hostname, via.port or 8080, timeout=self.timeout_s)
        if secure:
            connection.set_tunnel(parts.hostname, parts.port)
        else:
            self._prefix = self.url
        return connection

    def __getstate__(self):
        return {key: value for key, value in self.__dict__.items() if key != "_local"}

    def __setstate__(self, state):
        self.__dict__.update(state, _local=threading.local())


def _with_query(path, query):
    return path + "?" + urllib.parse.urlencode(query) if query else path


def _reason(data):
    try:
        reply = json.loads(data)
        return str(reply["detail"]), reply.get("code") or "refused"
    except (ValueError, KeyError, TypeError, AttributeError):
        return data[:200].decode("utf-8", "replace"), None
