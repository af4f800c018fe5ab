#{% include "template/[[ when.basic_auth ]]/src/[[ package_name ]]/credentials.py" %}
