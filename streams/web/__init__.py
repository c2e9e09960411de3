"""What a worker says over HTTP: metrics, health, the status page, and the API. People are named to the token alone."""
