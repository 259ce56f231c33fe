"""From an article to its card."""

from lxml import html
from PIL import Image, ImageDraw


def headline(page):
    found = html.fromstring(page).xpath("string(//h1)").strip()
    return found or "untitled"


def draw(text, place):
    card = Image.new("RGB", (320, 120), "ivory")
    ImageDraw.Draw(card).text((20, 50), text, fill="black")
    card.save(place)
