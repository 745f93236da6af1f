"""A small OpenID provider on 127.0.0.1 that signs real tokens, right or wrong as a test asks for."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from django.urls import reverse

CLIENT = "gss-tracker"


def make_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Provider:
    """`claims` go into the next token beside the usual ones; None leaves one out; `key` signs it."""

    def __init__(self, url, key):
        self.url, self.published, self.key = url, key, key
        self.claims, self.nonce, self.asked = {}, "", {}

    def token(self):
        now = int(time.time())
        usual = {"iss": self.url, "aud": CLIENT, "sub": "s-1", "iat": now, "exp": now + 300}
        usual |= {"nonce": self.nonce, "preferred_username": "sato", "groups": ["gss-pmo"]}
        claims = {name: value for name, value in (usual | self.claims).items() if value is not None}
        return jwt.encode(claims, self.key, "RS256", headers={"kid": "k"})

    def jwks(self):
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.published.public_key(), as_dict=True)
        return {"keys": [public | {"kid": "k", "alg": "RS256", "use": "sig"}]}

    def settings(self):
        return {
            "OIDC_ISSUER": self.url,
            "OIDC_CLIENT_ID": CLIENT,
            "OIDC_CLIENT_SECRET": "secret of a test",
            "OIDC_AUTHORIZATION_URL": f"{self.url}/authorize",
            "OIDC_TOKEN_URL": f"{self.url}/token",
            "OIDC_JWKS_URL": f"{self.url}/jwks",
            "OIDC_LOGOUT_URL": f"{self.url}/logout",
            "OIDC_ROLES": "gss-pmo=編集,gss-pmo=閲覧,gss-audit=監査",
            "OIDC_ALGORITHM": "RS256",
        }

    def sign_in(self, client, **claims):
        """Go to the provider and come back; the answer to coming back."""
        self.claims = claims
        query = begin(client)
        self.nonce = query["nonce"]
        return come_back(client, query["state"])


def begin(client):
    """What the provider is asked."""
    answer = client.get(reverse("oidc_authentication_init"), {"next": "/admin/rollout/wave/"})
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def come_back(client, state):
    return client.get(reverse("oidc_authentication_callback"), {"code": "c", "state": state})


@contextmanager
def running(key):
    """Yield a provider that answers until the end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.provider = Provider(f"http://127.0.0.1:{server.server_port}", key)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server.provider
    server.shutdown()
    server.server_close()
    thread.join()


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(self.server.provider.jwks())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.provider.asked = {name: values[0] for name, values in parse_qs(body).items()}
        self.answer({"id_token": self.server.provider.token(), "access_token": "a"})

    def answer(self, content):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *args):
        """Say nothing."""
