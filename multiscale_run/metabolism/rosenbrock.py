"""Rosenbrock methods as data, in the form that needs no matrix-vector product.

With u_i the stage vectors, f' the Jacobian and h the step size, one step of y' = f(y) is

    (1/(h*gamma) - f') u_i = f(y + sum_j a_ij u_j) + sum_j (c_ij / h) u_j        i = 1 .. stages

and, for the stiffly accurate methods here, y_new = (argument of the last stage) + u_last with u_last as the error
estimate (Hairer and Wanner, Solving Ordinary Differential Equations II, 2nd edition 1996, section IV.7).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tableau:
    """A stiffly accurate Rosenbrock method with an embedded one.

    Attributes:
        name: short name.
        order: order of the solution; the embedded solution is one order lower.
        gamma: the diagonal coefficient.
        a: row i holds a_i1 .. a_i(i-1), stages 2 to the last.
        c: row i holds c_i1 .. c_i(i-1), stages 2 to the last.
        source: publication of the coefficients.
    """

    name: str
    order: int
    gamma: float
    a: tuple[tuple[float, ...], ...]
    c: tuple[tuple[float, ...], ...]
    source: str

    @property
    def stages(self) -> int:
        """Number of stages."""
        return len(self.a) + 1


_RODAS4_LAST = (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950)
RODAS4 = Tableau(
    name="Rodas4",
    order=4,
    gamma=0.25,
    a=(
        (1.544,),
        (0.9466785280815826, 0.2557011698983284),
        (3.314825187068521, 2.896124015972201, 0.9986419139977817),
        _RODAS4_LAST,
        (*_RODAS4_LAST, 1.0),
    ),
    c=(
        (-5.6688,),
        (-2.430093356833875, -0.2063599157091915),
        (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
        (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160),
        (8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054),
    ),
    source="Hairer and Wanner 1996, Solving Ordinary Differential Equations II, IV.10, code RODAS, method 1",
)

_RODAS5P_LAST = (-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946)
RODAS5P = Tableau(
    name="Rodas5P",
    order=5,
    gamma=0.21193756319429014,
    a=(
        (3.0,),
        (2.849394379747939, 0.45842242204463923),
        (-6.954028509809101, 2.489845061869568, -10.358996098473584),
        (2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641),
        _RODAS5P_LAST,
        (*_RODAS5P_LAST, 1.0),
        (*_RODAS5P_LAST, 1.0, 1.0),
    ),
    c=(
        (-14.155112264123755,),
        (-17.97296035885952, -2.859693295451294),
        (147.12150275711716, -1.41221402718213, 71.68940251302358),
        (165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306),
        (24.854864614690072, -3.0009227002832186, 47.4931110020768, 5.5814197821558125, -0.6610691825249471),
        (
            30.91273214028599,
            -3.1208243349937974,
            77.79954646070892,
            34.28646028294783,
            -19.097331116725623,
            -28.087943162872662,
        ),
        (
            37.80277123390563,
            -3.2571969029072276,
            112.26918849496327,
            66.9347231244047,
            -40.06618937091002,
            -54.66780262877968,
            -9.48861652309627,
        ),
    ),
    source="Steinebach 2023, BIT Numerical Mathematics 63:27, doi:10.1007/s10543-023-00967-x",
)

METHODS = {tableau.name: tableau for tableau in (RODAS4, RODAS5P)}


@dataclass(frozen=True)
class StepControl:
    """Choice of the next step size (Gustafsson 1994, ACM TOMS 20:496, as used by the code RODAS).

    Attributes:
        safety: fraction of the step that the error estimate would allow.
        shrink: smallest ratio of a step to the one before.
        grow: largest ratio of a step to the one before.
        first_step: step that a cell tries when nothing is known about it, seconds.
        smallest: step, as a fraction of the window, below which a cell is given up.
        backward_error: componentwise backward error of a stage's linear system (Oettli and Prager 1964,
            Numer. Math. 6:405) above which the factorisation without pivoting is not trusted.
    """

    safety: float = 0.9
    shrink: float = 0.2
    grow: float = 10.0
    first_step: float = 1e-4
    smallest: float = 1e-14
    backward_error: float = 1e-10
