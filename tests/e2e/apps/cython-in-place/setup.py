from Cython.Build import cythonize
from setuptools import Extension, setup

setup(
    name="sieve",
    version="1.0",
    ext_modules=cythonize([Extension("primes.sieve", ["primes/sieve.pyx"])]),
)
