#{% include "template/[[ when.auth ]]/src/[[ package_name ]]/security.py" %}
