"""What browsers are told, and what they may not do for the pages of other sites."""

import json
import secrets
from collections.abc import Iterable, Mapping
from html import escape
from string import Template
from urllib.parse import urlsplit

# Each answer has these, unless the route gave it one of its own. Change them here.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "img-src 'self' data:; object-src 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

HARMLESS = {"GET", "HEAD", "OPTIONS", "TRACE"}


#{% if when.login_page %}
def storing(visitor: object) -> str:
    """Tell what browsers do with a page that depends on who visits it.

    They ask for it anew each time, and store nothing that is shown to who has logged in: the next
    one at the same browser would go back to it. Nobody on the way stores any of it.
    """
    return "private, no-cache" if visitor is None else "no-store"


#{% endif %}
#{% if when.cors %}
def has_credentials(headers: Mapping[str, str]) -> bool:
    """Tell whether a request has what browsers add by themselves: a password they know, a cookie."""
    return "Cookie" in headers or headers.get("Authorization", "").lower().startswith("basic")


#{% endif %}
def is_from_another_site(
    method: str, headers: Mapping[str, str], trusted: Iterable[str] = ()
) -> bool:
    """Tell whether the page of another site has a browser send what may change data.

    A browser sends the password that it knows, whichever page asks it to. It also says where a
    request comes from; other clients do not, and are let in.
    """
    if method in HARMLESS:
        return False
    origin = headers.get("Origin")
    if site := headers.get("Sec-Fetch-Site"):
        foreign = site not in {"same-origin", "none"}
    else:
        foreign = bool(origin) and urlsplit(origin).netloc != headers.get("Host")
    #{% if when.cors %}
    # That any origin is trusted does not mean its pages with the password of the user.
    named = {origin} if has_credentials(headers) else {origin, "*"}
    return foreign and (origin is None or not (named & set(trusted)))
    #{% else %}
    return foreign and (origin is None or not ({origin, "*"} & set(trusted)))
    #{% endif %}


PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API documentation</title>
<link rel="icon" href="data:,">
$head
</head>
<body>
<div id="documentation">
<p>This page needs JavaScript, and scripts from cdn.jsdelivr.net that this browser has not loaded.
The <a href="$link">OpenAPI document</a> is there without them.</p>
</div>
$body
</body>
</html>
""")
CDN = "https://cdn.jsdelivr.net/npm"
# The versions are fixed, and a browser runs nothing but the very files that the hashes are of.
SWAGGER_UI_STYLE = (
    f'<link rel="stylesheet" href="{CDN}/swagger-ui-dist@5.35.0/swagger-ui.css" '
    'integrity="sha384-WlYgdmXYOOBWL5apwjDEZwN+U3HmXSSu5R6V5aGxEcf7z+KuRNwBhoxKVN1i3D5I" '
    'crossorigin="anonymous">'
)
SWAGGER_UI = Template(
    f'<script src="{CDN}/swagger-ui-dist@5.35.0/swagger-ui-bundle.js" '
    'integrity="sha384-gjRm0bEPMeTmMh5jT2cHccIwCUZSTd8YC+j0d0sXw0MdGEfScduGpSyF3ZSSLkX9" '
    'crossorigin="anonymous"></script>\n'
    '<script nonce="$nonce">'
    #{% if when.oidc %}
    'SwaggerUIBundle({url: $url, dom_id: "#documentation", deepLinking: true, '
    'oauth2RedirectUrl: location.origin + location.pathname + "/oauth2-redirect"})'
    ".initOAuth({usePkceWithAuthorizationCodeGrant: true})</script>"
    #{% else %}
    'SwaggerUIBundle({url: $url, dom_id: "#documentation", deepLinking: true})</script>'
    #{% endif %}
)
#{% if when.oidc %}
# Where the issuer leads back to who logs in there.
SWAGGER_UI_REDIRECT = Template(
    f'<script src="{CDN}/swagger-ui-dist@5.35.0/oauth2-redirect.js" '
    'integrity="sha384-XuY48ztmqRBrZqX+bDrPUqkTumNohu9Bl+yztOEp/hDTS5qXIApmbiD04MrTFpjk" '
    'crossorigin="anonymous"></script>'
)
#{% endif %}
REDOC = Template(
    f'<script src="{CDN}/redoc@2.5.4/bundles/redoc.standalone.js" '
    'integrity="sha384-w447zOpYfw/1Tv/5AK9NfHTlQIqE3RVR6KY62jCyy9zNDgO64cMwGGP1Fj0zJVf5" '
    'crossorigin="anonymous"></script>\n'
    '<script nonce="$nonce">'
    'Redoc.init($url, {}, document.getElementById("documentation"))</script>'
)


def documentation_page(scripts: Template, url: str) -> tuple[str, dict[str, str]]:
    """Write the page that shows the OpenAPI document at a URL, and the headers of that page."""
    nonce = secrets.token_urlsafe(16)
    policy = (
        #{% if when.oidc %}
        # Who logs in there asks the issuer, and whichever server it names for tokens.
        "connect-src 'self' https: http://localhost:* http://127.0.0.1:*; "
        #{% endif %}
        f"default-src 'self'; base-uri 'none'; font-src data: https:; frame-ancestors 'none'; "
        f"img-src 'self' data: https:; object-src 'none'; script-src 'nonce-{nonce}' {CDN}/; "
        f"style-src 'unsafe-inline' {CDN}/; worker-src blob:"
    )
    body = scripts.substitute(nonce=nonce, url=json.dumps(url).replace("<", "\\u003c"))
    head = SWAGGER_UI_STYLE if scripts is SWAGGER_UI else ""
    page = PAGE.substitute(head=head, body=body, link=escape(url))
    return page, {"Content-Security-Policy": policy}
