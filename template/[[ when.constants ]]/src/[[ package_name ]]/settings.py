"""What can be set."""

#{% if when.database %}
import os
from dataclasses import dataclass, field
#{% else %}
from dataclasses import dataclass
#{% endif %}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Change the values here."""

    message: str = "Hello, world!"
    #{% if when.sqlite %}
    database_url: str = field(
        default_factory=lambda: os.environ.get("DATABASE_URL", "sqlite:///[[ package_name ]].db")
    )
    #{% endif %}
    #{% if when.database %}
    database_timeout: float = 5
    migrate_on_start: bool = True
    #{% endif %}
    max_body_size: int = 10 * 1024 * 1024
