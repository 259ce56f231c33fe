from setuptools import Extension, setup

setup(ext_modules=[Extension("mandelbrot.escape", ["src/mandelbrot/escape.pyx"])])
