from catalogue import views
from django.urls import path

urlpatterns = [path("", views.index), path("healthz", views.health), path("books", views.books)]
