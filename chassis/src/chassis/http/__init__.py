"""HTTP for services: application, server, authentication, commands, problems and the client for other services."""
