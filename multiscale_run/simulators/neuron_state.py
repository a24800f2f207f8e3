"""placeholder until merged"""



def neuron_state(h):
    raise NotImplementedError


def restore_neuron_state(h, data):
    raise NotImplementedError
