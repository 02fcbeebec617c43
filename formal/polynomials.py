"""Is the recurrence of an LFSR of maximal length? By the order of x modulo its polynomial over GF(2)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from math import gcd


def _reduced(product: int, modulus: int) -> int:
    size = modulus.bit_length()
    while product.bit_length() >= size:
        product ^= modulus << (product.bit_length() - size)
    return product


def multiplied(a: int, b: int, modulus: int) -> int:
    """a b modulo a polynomial; bit i of each number is the coefficient of x^i."""
    product = 0
    for bit in range(b.bit_length()):
        if b >> bit & 1:
            product ^= a << bit
    return _reduced(product, modulus)


def power_of_x(exponent: int, modulus: int) -> int:
    """x^exponent modulo a polynomial."""
    result, square = 1, 2
    while exponent:
        if exponent & 1:
            result = multiplied(result, square, modulus)
        square, exponent = multiplied(square, square, modulus), exponent >> 1
    return _reduced(result, modulus)


def is_prime(n: int) -> bool:
    """Miller-Rabin with the bases that are enough below 3.3e24 (Sorenson and Webster, 2015)."""
    bases = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)
    if n < 2 or any(n % p == 0 for p in bases):
        return n in bases
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in bases:
        x = pow(base, odd, n)
        if x not in (1, n - 1) and all((x := x * x % n) != n - 1 for _ in range(twos - 1)):
            return False
    return True


def prime_factors(n: int) -> Iterator[int]:
    """With repeats, by Pollard's rho; what it gives is prime and its product is n."""
    if n % 2 == 0:
        yield 2
        yield from prime_factors(n // 2)
    elif is_prime(n):
        yield n
    elif n > 1:
        divisor = _divisor(n)
        yield from prime_factors(divisor)
        yield from prime_factors(n // divisor)


def _divisor(n: int) -> int:
    draws = random.Random(n)
    while True:
        slow = fast = draws.randrange(1, n)
        step, divisor = draws.randrange(1, n), 1
        while divisor == 1:
            slow = (slow * slow + step) % n
            fast = (fast * fast + step) % n
            fast = (fast * fast + step) % n
            divisor = gcd(abs(slow - fast), n)
        if divisor != n:
            return divisor


def is_primitive(width: int, taps: tuple[int, ...]) -> bool:
    """Whether new bit = sum of bits `taps`, bit 1 the newest, has the period 2^width - 1: x has that order."""
    modulus, order = 1 << width | sum(1 << (width - tap) for tap in taps), 2**width - 1
    if power_of_x(order, modulus) != 1:
        return False
    return all(power_of_x(order // prime, modulus) != 1 for prime in set(prime_factors(order)))
