# Written from the table by `python -m tinygrad_edu.engine.stubs`; a test checks that it is current.

from tinygrad_edu.engine.value import Value

class Operations:
    def __add__(self, other: Value | float) -> Value:
        """x + y

        ∂/∂x = 1

        ∂/∂y = 1"""
    def __radd__(self, other: Value | float) -> Value:
        """x + y

        ∂/∂x = 1

        ∂/∂y = 1"""
    def __sub__(self, other: Value | float) -> Value:
        """x - y

        ∂/∂x = 1

        ∂/∂y = -1"""
    def __rsub__(self, other: Value | float) -> Value:
        """x - y

        ∂/∂x = 1

        ∂/∂y = -1"""
    def __mul__(self, other: Value | float) -> Value:
        """x × y = x * y

        ∂/∂x = y

        ∂/∂y = x"""
    def __rmul__(self, other: Value | float) -> Value:
        """x × y = x * y

        ∂/∂x = y

        ∂/∂y = x"""
    def __truediv__(self, other: Value | float) -> Value:
        """x / y

        ∂/∂x = 1 / y

        ∂/∂y = -out / y"""
    def __rtruediv__(self, other: Value | float) -> Value:
        """x / y

        ∂/∂x = 1 / y

        ∂/∂y = -out / y"""
    def __neg__(self) -> Value:
        """neg(x) = -x

        ∂/∂x = -1"""
    def neg(self) -> Value:
        """neg(x) = -x

        ∂/∂x = -1"""
    def __pow__(self, other: Value | float) -> Value:
        """x ** y

        ∂/∂x = y * x**(y - 1)

        ∂/∂y = out * log(x)"""
    def __rpow__(self, other: Value | float) -> Value:
        """x ** y

        ∂/∂x = y * x**(y - 1)

        ∂/∂y = out * log(x)"""
    def exp(self) -> Value:
        """exp(x)

        ∂/∂x = out"""
    def expm1(self) -> Value:
        """expm1(x)

        ∂/∂x = out + 1"""
    def log(self) -> Value:
        """log(x)

        ∂/∂x = 1 / x"""
    def log1p(self) -> Value:
        """log1p(x)

        ∂/∂x = 1 / (1 + x)"""
    def sqrt(self) -> Value:
        """sqrt(x)

        ∂/∂x = 1 / (2 * out)"""
    def sin(self) -> Value:
        """sin(x)

        ∂/∂x = cos(x)"""
    def cos(self) -> Value:
        """cos(x)

        ∂/∂x = -sin(x)"""
    def tan(self) -> Value:
        """tan(x)

        ∂/∂x = 1 + out**2"""
    def asin(self) -> Value:
        """asin(x)

        ∂/∂x = 1 / sqrt(1 - x**2)"""
    def acos(self) -> Value:
        """acos(x)

        ∂/∂x = -1 / sqrt(1 - x**2)"""
    def atan(self) -> Value:
        """atan(x)

        ∂/∂x = 1 / (1 + x**2)"""
    def sinh(self) -> Value:
        """sinh(x)

        ∂/∂x = cosh(x)"""
    def cosh(self) -> Value:
        """cosh(x)

        ∂/∂x = sinh(x)"""
    def tanh(self) -> Value:
        """tanh(x)

        ∂/∂x = 1 - out**2"""
    def erf(self) -> Value:
        """erf(x)

        ∂/∂x = 1.1283791670955126 * exp(-x*x)"""
    def erfc(self) -> Value:
        """erfc(x)

        ∂/∂x = -1.1283791670955126 * exp(-x*x)"""
    def sigmoid(self) -> Value:
        """sigmoid(x) = exp(minimum(x, 0)) / (1 + exp(-abs(x)))

        ∂/∂x = out * (1 - out)"""
    def softplus(self) -> Value:
        """softplus(x) = maximum(x, 0) + log1p(exp(-abs(x)))

        ∂/∂x = sigmoid(x)"""
    def relu(self) -> Value:
        """relu(x) = maximum(x, 0)

        ∂/∂x = step(x)

        At x = 0 the derivative is 0."""
    def leaky_relu(self) -> Value:
        """leaky_relu(x) = maximum(x, 0) + 0.01*minimum(x, 0)

        ∂/∂x = 0.01 + 0.99*step(x)

        At x = 0 the derivative is 0.01."""
    def gelu(self) -> Value:
        """gelu(x) = x * 0.5*erfc(-0.7071067811865476*x)

        ∂/∂x = 0.5*erfc(-0.7071067811865476*x) + x*0.3989422804014327*exp(-0.5*x*x)"""
    def silu(self) -> Value:
        """silu(x) = x * sigmoid(x)

        ∂/∂x = sigmoid(x) * (1 + x*sigmoid(-x))"""
    def __abs__(self) -> Value:
        """abs(x)

        ∂/∂x = sign(x)

        At x = 0 the derivative is 0."""
    def abs(self) -> Value:
        """abs(x)

        ∂/∂x = sign(x)

        At x = 0 the derivative is 0."""
    def sign(self) -> Value:
        """sign(x)

        ∂/∂x = 0

        At x = 0 the derivative is 0."""
    def step(self) -> Value:
        """step(x)

        ∂/∂x = 0

        At x = 0 the derivative is 0."""
    def maximum(self, other: Value | float) -> Value:
        """maximum(x, y)

        ∂/∂x = 0.5 * (1 + sign(x - y))

        ∂/∂y = 0.5 * (1 + sign(y - x))

        At x - y = 0 the derivative is 1/2 each."""
    def minimum(self, other: Value | float) -> Value:
        """minimum(x, y)

        ∂/∂x = 0.5 * (1 + sign(y - x))

        ∂/∂y = 0.5 * (1 + sign(x - y))

        At x - y = 0 the derivative is 1/2 each."""
    def hypot(self, other: Value | float) -> Value:
        """hypot(x, y)

        ∂/∂x = x / out

        ∂/∂y = y / out"""
    def atan2(self, other: Value | float) -> Value:
        """atan2(x, y)

        ∂/∂x = y / (x**2 + y**2)

        ∂/∂y = -x / (x**2 + y**2)"""
