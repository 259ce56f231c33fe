import psycopg2
from django.http import JsonResponse
from django.shortcuts import render

from .models import Book


def index(request):
    return render(request, "index.html", {"driver": psycopg2.__version__, "libpq": psycopg2.__libpq_version__})


def health(_request):
    return JsonResponse({"status": "ok"})


def books(_request):
    return JsonResponse({"books": list(Book.objects.values("title", "shelf"))})
