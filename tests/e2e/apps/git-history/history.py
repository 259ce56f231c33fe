"""Notes that git keeps, each version of them."""

import subprocess
from pathlib import Path

import jinja2
import mmh3
import yaml
from bottle import Bottle, request, run

HERE = Path(__file__).parent
NOTES = HERE / "repositories" / "notes"
SETTINGS = yaml.safe_load((HERE / "settings.yaml").read_text())
PAGES = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE / "views"), autoescape=True)

app = Bottle()


def git(*words):
    author = ["-c", "user.name=Notes", "-c", "user.email=notes@example.com"]
    done = subprocess.run(["git", *author, *words], cwd=NOTES, capture_output=True, text=True, check=True)
    return done.stdout


@app.get("/health")
def health():
    return "ok"


@app.get("/")
def history():
    lines = git("log", "--format=%an: %s").splitlines() if (NOTES / ".git" / "index").exists() else []
    return PAGES.get_template("history.html").render(title=SETTINGS["title"], lines=lines)


@app.post("/")
def note():
    text = request.body.read().decode()
    name = format(mmh3.hash(text, signed=False), "08x")
    (NOTES / name).write_text(text)
    git("add", name)
    git("commit", "--message", text)
    return name


if __name__ == "__main__":
    NOTES.mkdir(parents=True, exist_ok=True)
    git("init", "--quiet")
    run(app, host="0.0.0.0", port=8000)
