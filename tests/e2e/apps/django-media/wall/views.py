from django.core.files.storage import default_storage
from django.http import FileResponse, Http404
from django.shortcuts import redirect, render


def wall(request):
    """All postcards; a new one may be put up."""
    if request.method == "POST":
        picture = request.FILES["picture"]
        default_storage.save(f"cards/{picture.name}", picture)
        return redirect("/")
    cards = sorted(default_storage.listdir("cards")[1]) if default_storage.exists("cards") else []
    return render(request, "wall.html", {"cards": cards})


def card(_request, name):
    if not default_storage.exists(f"cards/{name}"):
        raise Http404(name)
    return FileResponse(default_storage.open(f"cards/{name}"))
