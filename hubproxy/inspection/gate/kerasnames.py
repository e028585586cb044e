"""Functions of Keras and TensorFlow that only compute, as configurations name them."""

import re

FUNCTIONS = frozenset(
    """
    KLD MAE MAPE MSE MSLE binary_accuracy binary_crossentropy binary_focal_crossentropy
    categorical_accuracy categorical_crossentropy categorical_focal_crossentropy
    categorical_generalized_cross_entropy categorical_hinge celu circle concordance_correlation
    cosine_similarity ctc dice elu exponential gelu glu hard_shrink hard_sigmoid hard_silu
    hard_swish hard_tanh hinge huber kl_divergence kld kullback_leibler_divergence l1_l2
    leaky_relu linear log_cosh log_sigmoid log_softmax logcosh mae mape mean_absolute_error
    mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error mish mse
    msle pearson_correlation poisson relu relu6 selu sigmoid silu soft_shrink softmax softplus
    softsign sparse_categorical_accuracy sparse_categorical_crossentropy sparse_plus
    sparse_sigmoid sparse_top_k_categorical_accuracy sparsemax squared_hinge squareplus swish
    tanh tanh_shrink threshold top_k_categorical_accuracy tversky
    """.split()
)
"""Of `keras.activations`, `losses`, `metrics` and `regularizers`, in Keras 2 and 3."""

CALLS = re.compile(
    r"(math|nn|linalg|signal|strings|sparse|ragged|"
    r"__operators__|keras\.backend|bitwise|random)\..*|"
    r"image\.(resize|adjust_|rgb_to_|hsv_to_|grayscale_to_|flip_|rot90|transpose|central_crop|"
    r"per_image_|convert_image_dtype)[a-z0-9_]*|"
    r"(cast|reshape|concat|stack|unstack|split|expand_dims|squeeze|transpose|gather|gather_nd|"
    r"one_hot|shape|slice|strided_slice|tile|pad|range|zeros|ones|zeros_like|ones_like|fill|where|"
    r"clip_by_value|identity|stop_gradient|reverse|boolean_mask|broadcast_to|convert_to_tensor|"
    r"constant|compat\.v1\.(shape|transpose|gather|squeeze|nn\..*|math\..*)|einsum|tensordot|"
    r"compat\.v1\.placeholder_with_default|repeat|roll|size|rank|norm|eye|sequence_mask|unique)"
)
"""Of TensorFlow, by the names that it exports them as."""
