from django.db import OperationalError
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render

from timetable.models import Train


def index(request):
    return render(request, "index.html")


def health(_):
    return HttpResponse("ok")


def trains(_):
    try:
        return JsonResponse({"trains": list(Train.objects.values("line", "leaves"))})
    except OperationalError:
        return JsonResponse({"error": "the database is away"}, status=503)
