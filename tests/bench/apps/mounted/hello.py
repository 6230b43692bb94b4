"""The least that Flask can do: what the applications' `/version` is measured against."""

from flask import Flask

app = Flask(__name__)


@app.get("/version")
def say_hello() -> str:
    return "hello"
