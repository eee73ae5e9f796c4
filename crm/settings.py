"""Settings: one file. What differs between machines is read from the environment.

``.env.example`` lists every variable with its meaning. A bad value stops the
start with one sentence that names the variable.
"""

from datetime import timedelta
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from crm.console.skin import skin
from crm.schedule import SCHEDULE
from crm.shared.environment import one_of
from crm.shared.keyring import load_keyring
from crm.shared.logs import logging_config
from members.providers.configuration import social_providers
from orders.providers.configuration import alipay_account

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if env("CRM_ENVIRONMENT", default="") != "test":  # tests know no machine's ".env"
    environ.Env.read_env(BASE_DIR / ".env")

# --- Where we are -------------------------------------------------------------

#: Embedded database, broker folder, keys, uploads: all that must outlive a restart.
DATA_DIR = Path(env("CRM_DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
#: ``demo``, ``test`` or ``production``. Demo and test shops have a movable clock.
_KINDS = ("demo", "test", "production")
ENVIRONMENT = one_of(env, "CRM_ENVIRONMENT", *_KINDS, default="production")
IS_PRODUCTION = ENVIRONMENT == "production"
DEBUG = False
SECRET_KEY = env("CRM_SECRET_KEY", default="")
if not SECRET_KEY:
    if IS_PRODUCTION:
        raise ImproperlyConfigured(
            "CRM_SECRET_KEY is not set. Set it to 50 or more random characters."
        )
    SECRET_KEY = "not-secret-" + "demo-and-test-shops-only" * 2
#: Former keys: links in old mails still open, new ones are signed with the new key.
SECRET_KEY_FALLBACKS = env.list("CRM_OLD_SECRET_KEYS", default=[])
ALLOWED_HOSTS = env.list(
    "CRM_ALLOWED_HOSTS",
    default=[] if IS_PRODUCTION else ["127.0.0.1", "localhost", "[::1]", "testserver"],
)
CSRF_TRUSTED_ORIGINS = env.list("CRM_TRUSTED_ORIGINS", default=[])

# --- The shop -----------------------------------------------------------------

SHOP_NAME = env("CRM_SHOP_NAME", default="Regulars")
#: ISO 4217 code and number of digits after the point of the one shop currency.
SHOP_CURRENCY = env("CRM_CURRENCY", default="CNY")
#: Days begin and end here; the database keeps UTC.
SHOP_TIME_ZONE = env("CRM_TIME_ZONE", default="Asia/Shanghai")
PAYMENT_MINUTES = env.int("CRM_PAYMENT_MINUTES", default=30)
ALIPAY_PAYMENTS = alipay_account(env, currency=SHOP_CURRENCY)
GIFT_CARD_DAYS = env.int("CRM_GIFT_CARD_DAYS", default=0)
DELIVERED_AFTER_DAYS = env.int("CRM_DELIVERED_AFTER_DAYS", default=10)
COMPLETED_AFTER_DAYS = env.int("CRM_COMPLETED_AFTER_DAYS", default=7)
FREIGHT_MINOR = env.int("CRM_FREIGHT_MINOR", default=0)
FREE_FREIGHT_FROM_MINOR = env.int("CRM_FREE_FREIGHT_FROM_MINOR", default=None)
MARGIN_FLOOR_BP = env.int("CRM_MARGIN_FLOOR_BP", default=None)
RETURN_DAYS = env.int("CRM_RETURN_DAYS", default=14)
_PRICES = ("today", "order_day", "lower")
EXCHANGE_PRICE = one_of(env, "CRM_EXCHANGE_PRICE", *_PRICES, default="lower")
EXCHANGE_HOURS = env.int("CRM_EXCHANGE_HOURS", default=48)
CONSUMER_PROTECTED = env.bool("CRM_CONSUMER_PROTECTED", default=False)
STAFF_REFUND_LIMIT_MINOR = env.int("CRM_STAFF_REFUND_LIMIT_MINOR", default=None)
STAFF_WALLET_LIMIT_MINOR = env.int("CRM_STAFF_WALLET_LIMIT_MINOR", default=100_000)
PROMOTION_LIMIT_MINOR = env.int("CRM_PROMOTION_LIMIT_MINOR", default=1_000_000)
PROMOTION_LIMIT_BP = env.int("CRM_PROMOTION_LIMIT_BP", default=5_000)
STAFF_DISCOUNT_LIMIT_BP = env.int("CRM_STAFF_DISCOUNT_LIMIT_BP", default=2_000)
STAFF_POINTS_LIMIT = env.int("CRM_STAFF_POINTS_LIMIT", default=10_000)
LADDER_FALL_LIMIT = env.int("CRM_LADDER_FALL_LIMIT", default=100)
APPROVAL_DAYS = env.int("CRM_APPROVAL_DAYS", default=7)
SHIP_WITHIN_HOURS = env.int("CRM_SHIP_WITHIN_HOURS", default=48)
LOW_STOCK_UNITS = env.int("CRM_LOW_STOCK_UNITS", default=10)
DORMANT_AFTER_DAYS = env.int("CRM_DORMANT_AFTER_DAYS", default=365)
DEFAULT_REGION = env("CRM_REGION", default="CN")
DOUBLE_OPT_IN = frozenset(env.list("CRM_DOUBLE_OPT_IN", default=[]))
if DOUBLE_OPT_IN - {"email", "sms"}:
    raise ImproperlyConfigured("CRM_DOUBLE_OPT_IN may name email and sms, no other.")

# --- Applications -------------------------------------------------------------

INSTALLED_APPS = [
    # Basic: the default configuration would put Unfold's own site in place of ours.
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.import_export",
    "crm.console.apps.ConsoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "import_export",
    "allauth",
    "allauth.account",
    "allauth.headless",
    "allauth.mfa",
    "allauth.socialaccount",
    "crm.shared",
    "members",
    "orders",
    "loyalty",
    "recommendations",
    "campaigns",
    "crm.care",
    "crm.reports",
    "crm.console",
]

MIDDLEWARE = [
    "crm.shared.requests.RequestContextMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "members.identity.middleware.LoginMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "members.identity.middleware.SignInAliasMiddleware",
]

ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
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

#: Our templates come before those of forms, too.
FORM_RENDERER = "crm.shared.form_renderer.FormRenderer"

# --- Database: PostgreSQL only ------------------------------------------------

DATABASE_URL = env("DATABASE_URL", default="")
if not DATABASE_URL:
    raise ImproperlyConfigured(
        "DATABASE_URL is not set. Start with 'make run' or 'python manage.py', which "
        "bring an embedded PostgreSQL, or set DATABASE_URL=postgresql://user:password@host/name."
    )
DATABASES = {"default": env.db_url("DATABASE_URL")}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured("DATABASE_URL must start with postgresql://.")
DATABASES["default"].setdefault("OPTIONS", {})
#: "0" (management commands) also lets a transaction think for as long as it likes.
STATEMENT_TIMEOUT = env("CRM_STATEMENT_TIMEOUT", default="5s")
_idle = "0" if STATEMENT_TIMEOUT == "0" else "10s"
DATABASES["default"]["OPTIONS"]["options"] = " ".join(
    f"-c {name}={value}"
    for name, value in {
        "lock_timeout": "3s",
        "statement_timeout": STATEMENT_TIMEOUT,
        "idle_in_transaction_session_timeout": _idle,
    }.items()
)
#: For ``crm.shared.planned``.
_threshold = env("CRM_PREPARE_THRESHOLD", default="2")
DATABASES["default"]["OPTIONS"]["prepare_threshold"] = int(_threshold or 0) or None
DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

#: Shared by all processes; rate limits and used codes stand in it. Hidden keys.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "shared_cacheentry",
        "KEY_FUNCTION": "crm.shared.cache_keys.hidden_key",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# --- Background work ----------------------------------------------------------

CELERY_BROKER_URL = env("CELERY_BROKER_URL", default="filesystem://localhost")
_folder = DATA_DIR / "broker"
CELERY_BROKER_TRANSPORT_OPTIONS: dict = {}
if CELERY_BROKER_URL.startswith("filesystem"):
    # One folder to write and read: what is sent is what is received.
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_folder / "queue"),
        "data_folder_out": str(_folder / "queue"),
        "control_folder": str(_folder / "control"),
        "store_processed": False,
    }
elif CELERY_BROKER_URL.startswith("redis"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 6 * 3600,
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
    }
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Tasks are hints: a worker that lost its broker takes as many as before at once.
CELERY_WORKER_ENABLE_PREFETCH_COUNT_REDUCTION = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_ACCEPT_CONTENT, CELERY_TASK_SERIALIZER = ["json"], "json"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
#: The sweeps that make the broker dispensable, and the nightly work.
CELERY_BEAT_SCHEDULE = SCHEDULE
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")

# --- Mail -------------------------------------------------------------------

#: ``smtp+tls://user:password@host:587``; without it e-mail is dropped silently.
vars().update(env.email_url("CRM_EMAIL_URL", default="dummymail://"))
DEFAULT_FROM_EMAIL = env("CRM_FROM_EMAIL", default="shop@localhost")

# --- Who may come in ----------------------------------------------------------

AUTH_USER_MODEL = "members.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    f"django.contrib.auth.hashers.{name}PasswordHasher" for name in ("Argon2", "PBKDF2")
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"}
    for name in ("UserAttributeSimilarity", "MinimumLength", "CommonPassword")
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
ACCOUNT_ADAPTER = "members.identity.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = "username"
ACCOUNT_EMAIL_VERIFICATION = env("CRM_EMAIL_VERIFICATION", default="none")
ACCOUNT_SIGNUP_FORM_CLASS = "members.forms.SignupForm"
ACCOUNT_USER_DISPLAY = "members.identity.adapters.display_of_login"
#: A login has one address; it changes with the member's, not beside it.
ACCOUNT_MAX_EMAIL_ADDRESSES = 1
#: Proxies in front of us that add the caller's address to X-Forwarded-For.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("CRM_TRUSTED_PROXIES", default=0)
MFA_ADAPTER = "members.identity.second_factors.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
#: The domain passkeys belong to; empty: the host this program is asked under.
PASSKEY_DOMAIN = env("CRM_PASSKEY_DOMAIN", default="")
MFA_TOTP_ISSUER = SHOP_NAME
#: 20 digits are 66 bits.
MFA_RECOVERY_CODE_DIGITS = 20
MFA_RECOVERY_CODES_SHOW_ONCE = True
#: Must staff who can do harm show a second factor? (docs/how-to/second-factor.md)
STAFF_SECOND_FACTOR = env.bool("CRM_STAFF_SECOND_FACTOR", default=IS_PRODUCTION)
#: Codes by SMS an hour, from everybody together: what a flood may cost.
SMS_CODES_PER_HOUR = env.int("CRM_SMS_CODES_PER_HOUR", default=600)
#: WeChat and Alipay (docs/how-to/sign-in-with-wechat.md, sign-in-with-alipay.md).
SOCIALACCOUNT_ADAPTER = "members.providers.adapter.SocialAccountAdapter"
SOCIALACCOUNT_EMAIL_REQUIRED = False
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_PROVIDERS = social_providers(env)
HEADLESS_ONLY = True
HEADLESS_ADAPTER = "members.identity.adapters.HeadlessAdapter"
HEADLESS_CLIENTS = ["app", "browser"]
#: Where the links in mails lead: pages of the storefront, which is another program.
STOREFRONT_URL = env("CRM_STOREFRONT_URL", default="http://localhost:8000").rstrip("/")
#: Where members reach this program: unsubscribing, preferences, confirming.
PUBLIC_URL = env("CRM_PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
HEADLESS_FRONTEND_URLS = {
    "account_confirm_email": f"{STOREFRONT_URL}/verify-email/{{key}}",
    "account_reset_password": f"{STOREFRONT_URL}/password",
    "account_reset_password_from_key": f"{STOREFRONT_URL}/password/{{key}}",
    "account_signup": f"{STOREFRONT_URL}/join",
    "socialaccount_login_error": f"{STOREFRONT_URL}/sign-in",
}
#: Personal data at rest: the newest key encrypts, all decrypt
#: (docs/how-to/rotate-keys.md).
KEYRING = load_keyring(
    keys=env("CRM_ENCRYPTION_KEYS", default=""),
    index_keys=env("CRM_INDEX_KEYS", default=""),
    file=DATA_DIR / "keys.json",
    may_create=not IS_PRODUCTION,
)
SESSION_ENGINE = "members.sessions"
#: How long a session lasts unused, and at most. The cookie outlives both.
MEMBER_SESSION_IDLE, MEMBER_SESSION_LONGEST = timedelta(days=30), timedelta(days=180)
STAFF_SESSION_IDLE = timedelta(
    minutes=env.int("CRM_STAFF_IDLE_MINUTES", default=15 if IS_PRODUCTION else 720)
)
STAFF_SESSION_LONGEST = timedelta(hours=12)
SESSION_COOKIE_AGE = int(MEMBER_SESSION_LONGEST.total_seconds())
#: How much in clear one of the staff may take per day: values, rows of exports.
REVEALS_PER_DAY = env.int("CRM_REVEALS_PER_DAY", default=50)
CLEAR_ROWS_PER_DAY = env.int("CRM_CLEAR_ROWS_PER_DAY", default=5_000)
#: Days a member's own request for erasure can be called off.
ERASURE_COOLING_DAYS = env.int("CRM_ERASURE_COOLING_DAYS", default=7)
#: Retention rule -> days it keeps, where it differs from the rule's own.
RETENTION_DAYS = env.dict("CRM_RETENTION_DAYS", cast={"value": int}, default={})
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "crm.shared.problems.csrf_failure"
SECURE_REFERRER_POLICY = "same-origin"
if IS_PRODUCTION:
    SECURE_SSL_REDIRECT = env.bool("CRM_SSL_REDIRECT", default=True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"

# --- API ----------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["members.authentication.MemberSession"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["crm.shared.bounded_json.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["crm.shared.bounded_json.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "crm.shared.paging.CursorPage",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "crm.shared.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Regulars storefront API",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/(storefront|server)/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": ["crm.shared.problems.document_problems"],
}
#: Largest JSON body in bytes, deepest nesting.
API_MAX_BODY_BYTES = 256 * 1024
API_MAX_DEPTH = 20
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
PROBLEM_TYPE_PREFIX = "https://regulars.example/problems/"

# --- Language and time --------------------------------------------------------

LANGUAGE_CODE = env("CRM_LANGUAGE", default="en")
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS, FORMAT_MODULE_PATH = [BASE_DIR / "locale"], "crm.formats"
TIME_ZONE = SHOP_TIME_ZONE
USE_TZ = USE_I18N = True

# --- Files --------------------------------------------------------------------

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env("CRM_STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
#: ``make run`` serves straight from the packages; production runs collectstatic.
WHITENOISE_USE_FINDERS = not IS_PRODUCTION
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(DATA_DIR / "files")},
    },
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if IS_PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
#: Uploads that wait for "confirm" are sealed, too.
IMPORT_EXPORT_TMP_STORAGE_CLASS = "crm.shared.sealed_uploads.SealedUploads"
#: Where tests and commands find the shared real data (not part of this repository).
_data = BASE_DIR.parent / "shared" / "data"
SHARED_DATA_DIR = Path(env("REGULARS_DATA", default=str(_data)))

# --- Logs ---------------------------------------------------------------------

LOGGING_CONFIG = None
LOG_FORMAT = env("CRM_LOG_FORMAT", default="json" if IS_PRODUCTION else "text")
logging_config(LOG_FORMAT, level=env("CRM_LOG_LEVEL", default="INFO"))

# --- Console ------------------------------------------------------------------

UNFOLD = skin(shop_name=SHOP_NAME)
