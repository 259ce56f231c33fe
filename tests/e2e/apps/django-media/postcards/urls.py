from django.urls import path
from wall import views

urlpatterns = [path("", views.wall), path("cards/<str:name>", views.card)]
