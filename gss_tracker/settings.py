"""Settings. With no environment set the product runs embedded on loopback.

What differs comes from the environment; docs/operations.md lists the variables. A wrong value stops the
start with a message that names the remedy.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from gss_tracker.provider import Roles, origin, read_provider
from gss_tracker.secret_key import read_or_make_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = environ.Env()


def _flag(name: str, *, default: bool) -> bool:
    """A yes or a no; anything else is refused rather than taken for a no."""
    text = env.str(name, default="on" if default else "off").lower()
    if text not in FLAGS:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(FLAGS)}, not {text!r}.")
    return FLAGS[text]


def _whole_number(name: str, *, default: int, least: int = 1) -> int:
    text = env.str(name, default=str(default))
    if not text.isdecimal() or int(text) < least:
        raise ImproperlyConfigured(f"{name} must be a whole number from {least} on, not {text!r}.")
    return int(text)


def _site_url() -> str:
    """Where links in mails lead when nobody says so: this process when embedded, else the first host name."""
    if EMBEDDED:
        return f"http://{env.str('BIND', default='127.0.0.1:8000')}"
    return next(iter(CSRF_TRUSTED_ORIGINS), f"https://{next(iter(ALLOWED_HOSTS), 'localhost')}")


FLAGS = {
    "on": True,
    "true": True,
    "yes": True,
    "1": True,
    "off": False,
    "false": False,
    "no": False,
    "0": False,
}

DATABASE_URL = env.str("DATABASE_URL", default="")
REDIS_URL = env.str("REDIS_URL", default="")
if REDIS_URL and not REDIS_URL.startswith(("redis://", "rediss://")):
    raise ImproperlyConfigured("REDIS_URL must be a Redis URL: redis://host:6379/0")

EMBEDDED = not DATABASE_URL and not REDIS_URL
"""True when everything lives in one process on loopback: SQLite, an in-memory broker, mail as files."""

DEBUG = False
SECRET_KEY = env.str("SECRET_KEY", default="") or read_or_make_secret_key(VAR_DIR, allowed=EMBEDDED)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
CORS_ORIGINS = env.list("CORS_ORIGINS", default=[])
PUBLIC_READ = _flag("PUBLIC_READ", default=EMBEDDED)
SITE_URL = env.str("SITE_URL", default="") or _site_url()
if not SITE_URL.startswith(("http://", "https://")):
    raise ImproperlyConfigured("SITE_URL must say where people reach the product: https://gss.example.go.jp")

WEB_CONCURRENCY = _whole_number("WEB_CONCURRENCY", default=1)
if WEB_CONCURRENCY > 1 and not REDIS_URL:
    raise ImproperlyConfigured(
        "Without REDIS_URL the broker lives in one process, but WEB_CONCURRENCY asks for several: "
        "set REDIS_URL and run `celery worker` and `celery beat`, or unset WEB_CONCURRENCY."
    )

INSTALLED_APPS = [
    "ministries",
    "rollout",  # before the admin, whose templates it extends
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "simple_history",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "knox",
    "corsheaders",
    "signin",  # after those whose pages in the admin it replaces
]

MIDDLEWARE = [
    "gss_tracker.requests.number_requests",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "gss_tracker.middleware.refuse_nul",
    "gss_tracker.middleware.Compression",
    "django.middleware.http.ConditionalGetMiddleware",
    *(["corsheaders.middleware.CorsMiddleware"] if CORS_ORIGINS else []),
    "django.contrib.sessions.middleware.SessionMiddleware",
    "gss_tracker.middleware.ChosenLanguage",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "signin.middleware.end_old_sessions",
    "signin.middleware.ask_for_second_factor",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "gss_tracker.urls"
WSGI_APPLICATION = "gss_tracker.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


def _database() -> dict[str, Any]:
    if not DATABASE_URL:
        VAR_DIR.mkdir(exist_ok=True)
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": VAR_DIR / "gss_tracker.sqlite3",
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    database: dict[str, Any] = env.db_url("DATABASE_URL")
    if database.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured(
            "DATABASE_URL must be a PostgreSQL URL: postgres://user:password@host/name"
        )
    options = {**database.get("OPTIONS", {}), "pool": {"min_size": 1, "max_size": 8, "timeout": 5}}
    return {**database, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True, "OPTIONS": options}


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if REDIS_URL:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

CELERY_BROKER_URL = REDIS_URL or "memory://localhost/"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_TIMEZONE = "UTC"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Whoever saves an edit does not wait for a broker that is away: by default kombu asks again for six seconds.
_AT_ONCE = {"max_retries": 1, "interval_start": 0}
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"socket_connect_timeout": 2, "socket_timeout": 5, **_AT_ONCE} if REDIS_URL else {}
)
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"  # the schedule is static: nothing to keep in a file
CELERY_BEAT_SCHEDULE = {
    "tick": {"task": "rollout.tick", "schedule": 60.0, "options": {"expires": 55}},
    "imports": {"task": "rollout.imports", "schedule": 60.0, "options": {"expires": 55}},
}

EMAIL_URL = env.str("EMAIL_URL", default="")
if EMAIL_URL:
    vars().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = VAR_DIR / "mail"
EMAIL_TIMEOUT = 30
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="gss-tracker@example.go.jp")
MAILS_PER_HOUR = _whole_number("MAILS_PER_HOUR", default=3000)
MAILS_PER_ADDRESS_AND_HOUR = _whole_number("MAILS_PER_ADDRESS_AND_HOUR", default=60)
"""Above these, delivery pauses and tells the PMO, instead of flooding anybody."""

LANGUAGE_CODE = "ja"  # it is what the code is written in: with another, Japanese would have no words
LANGUAGES = [("ja", "日本語"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "gss_tracker" / "locale"]
TIME_ZONE = "Asia/Tokyo"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
WHITENOISE_USE_FINDERS = EMBEDDED
if EMBEDDED:  # nothing is collected, but WhiteNoise warns of a missing folder
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if EMBEDDED
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
LOGOUT_REDIRECT_URL = "admin:login"

OIDC = read_provider(
    {
        "OIDC_ISSUER": env.str("OIDC_ISSUER", default=""),
        "OIDC_CLIENT_ID": env.str("OIDC_CLIENT_ID", default=""),
        "OIDC_CLIENT_SECRET": env.str("OIDC_CLIENT_SECRET", default=""),
        "OIDC_AUTHORIZATION_URL": env.str("OIDC_AUTHORIZATION_URL", default=""),
        "OIDC_TOKEN_URL": env.str("OIDC_TOKEN_URL", default=""),
        "OIDC_JWKS_URL": env.str("OIDC_JWKS_URL", default=""),
        "OIDC_LOGOUT_URL": env.str("OIDC_LOGOUT_URL", default=""),
        "OIDC_ROLES": env.str("OIDC_ROLES", default=""),
        "OIDC_ALGORITHM": env.str("OIDC_ALGORITHM", default="RS256"),
    }
)
"""What mozilla-django-oidc reads; empty where nobody signs in by OIDC."""
vars().update(OIDC)
OIDC_ISSUER: str = OIDC.get("OIDC_ISSUER", "")
OIDC_RP_CLIENT_ID: str = OIDC.get("OIDC_RP_CLIENT_ID", "")
OIDC_RP_SIGN_ALGO: str = OIDC.get("OIDC_RP_SIGN_ALGO", "RS256")
OIDC_LOGOUT_URL: str = OIDC.get("OIDC_LOGOUT_URL", "")
OIDC_ROLES: Roles = OIDC.get("OIDC_ROLES", {})
OIDC_NAME = env.str("OIDC_NAME", default="職員用アカウント")
OIDC_GROUPS_CLAIM = env.str("OIDC_GROUPS_CLAIM", default="groups")
OIDC_USERNAME_CLAIM = env.str("OIDC_USERNAME_CLAIM", default="preferred_username")
OIDC_OP_USER_ENDPOINT = ""  # the signed ID token says all that is needed
OIDC_RP_SCOPES = "openid profile"
OIDC_USE_PKCE = OIDC_STORE_ID_TOKEN = True
OIDC_TIMEOUT = 10

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    *(["signin.oidc.ProviderBackend"] if OIDC else []),
]
REQUIRE_TOTP = _flag("REQUIRE_TOTP", default=not EMBEDDED)
OTP_TOTP_ISSUER = "gss_tracker"

PROXY_COUNT = _whole_number("PROXY_COUNT", default=0, least=0)
AXES_FAILURE_LIMIT = _whole_number("LOGIN_FAILURES", default=5)
AXES_COOLOFF_TIME = timedelta(minutes=_whole_number("LOCKOUT_MINUTES", default=15))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # the page says when to try again, and that holds
AXES_LOCKOUT_CALLABLE = "signin.lockout.answer"
AXES_CLIENT_IP_CALLABLE = "signin.lockout.client_address"
AXES_WHITELIST_CALLABLE = "signin.lockout.is_provider_answer"
AXES_ENABLE_ADMIN = AXES_VERBOSE = False

SESSION_IDLE = timedelta(minutes=_whole_number("SESSION_IDLE_MINUTES", default=60))
SESSION_AGE = timedelta(hours=_whole_number("SESSION_HOURS", default=12))
SESSION_COOKIE_AGE = int(SESSION_AGE.total_seconds())
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not EMBEDDED
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if not EMBEDDED else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        # Signing out is a form whose answer leads on to the provider.
        "form-action": [SELF, *([origin(OIDC_LOGOUT_URL)] if OIDC_LOGOUT_URL else [])],
    }
}

MIGRATION_MODULES = {"knox": None}  # it would make a table of its own beside ours
KNOX_TOKEN_MODEL = "signin.ServiceToken"  # noqa: S105 (no password: a model)
API_REQUESTS_PER_MINUTE = _whole_number("API_REQUESTS_PER_MINUTE", default=600)

CORS_ALLOWED_ORIGINS = CORS_ORIGINS
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = [
    "accept",
    "accept-language",
    "authorization",
    "content-type",
    "if-match",
    "if-none-match",
]
CORS_EXPOSE_HEADERS = [
    *("Deprecation", "ETag", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "Sunset"),
    "X-Request-ID",
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "signin.tokens.ServiceTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["gss_tracker.permissions.ReadIfPublic"],
    "DEFAULT_RENDERER_CLASSES": ["gss_tracker.renderers.ORJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["gss_tracker.parsers.ORJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "gss_tracker.keyset.KeysetPages",
    "DEFAULT_SCHEMA_CLASS": "gss_tracker.deprecation.Schema",
    "EXCEPTION_HANDLER": "gss_tracker.problems.problem_response",
    "DATETIME_FORMAT": "iso-8601",
    "URL_FORMAT_OVERRIDE": None,  # `?format=` is an unknown parameter like any other
}

SPECTACULAR_SETTINGS = {
    "TITLE": "gss_tracker",
    "DESCRIPTION": "ガバメントソリューションサービス（GSS）移行の計画・見込み・実績。",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "LICENSE": {"name": "MIT", "identifier": "MIT"},
    "SERVERS": [{"url": "/", "description": "この製品"}],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["gss_tracker.permissions.ReadIfPublic"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "rollout.api.schema.describe_problems",
        "rollout.api.schema.describe_expanded",
    ],
    "ENUM_NAME_OVERRIDES": {
        "BasisEnum": ["cumulative", "group"],
        "FindingKindEnum": "rollout.models.labels.FINDING_LABELS.keys",
        "CountBasisEnum": ["shared_out", "stated", "unknown"],
        "ReadingEnum": "rollout.models.labels.READING_LABELS.items",
        "WeightScopeEnum": ["body", "with_outer", "proper", "split", "combined"],
        "StatusEnum": "rollout.models.labels.STATUS_LABELS.items",
        "OwnStateEnum": ["draft", "proposed", "withdrawn"],
        "StateEnum": ["draft", "proposed", "promoted", "declined", "withdrawn"],
        "ReminderStateEnum": "rollout.models.reminders.STATE_LABELS.items",
        "AppliedReadingEnum": ["group", "running_total"],
    },
}

SIMPLE_HISTORY_HISTORY_CHANGE_REASON_USE_TEXT_FIELD = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {request_id} {message}", "style": "{"}},
    "filters": {
        "hide_links": {"()": "gss_tracker.logs.HideLinks"},
        "with_request": {"()": "gss_tracker.requests.WithRequest"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["hide_links", "with_request"],
        }
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"celery": {"level": "WARNING"}, "kombu": {"level": "WARNING"}, "axes": {"level": "ERROR"}},
}
