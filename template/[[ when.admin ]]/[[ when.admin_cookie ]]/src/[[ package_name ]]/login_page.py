#{% include "template/[[ when.jwt ]]/[[ when.login_page ]]/src/[[ package_name ]]/login_page.py" %}
