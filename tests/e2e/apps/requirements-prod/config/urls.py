from django.urls import path
from timetable import views

urlpatterns = [path("", views.index), path("health/", views.health), path("trains/", views.trains)]
