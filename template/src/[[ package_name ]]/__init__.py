"""The [[ package_name ]] service."""
