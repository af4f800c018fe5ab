"""Which credentials can be set."""

import pytest
from pydantic import ValidationError

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.settings import Settings
#{% endfilter %}


@pytest.mark.parametrize(
    ("username", "password", "wrong"),
    [
        ("", "x", "basic_auth_username"),
        ("ada", "", "basic_auth_password"),
        ("a:b", "x", "basic_auth_username"),
        ("ada", "größe\n", "basic_auth_password"),
        ("ada", "x\r\ny", "basic_auth_password"),
        (" ada", "x", "basic_auth_username"),
        ("ada", "x ", "basic_auth_password"),
    ],
)
def test_credentials_that_cannot_work_are_refused(username: str, password: str, wrong: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(basic_auth_username=username, basic_auth_password=password)

    (error,) = refused.value.errors()
    assert error["loc"] == (wrong,)
    assert "größe" not in str(refused.value)
