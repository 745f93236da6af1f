"""The REST API that dashboards are built on."""
