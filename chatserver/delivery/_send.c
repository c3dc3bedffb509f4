/* Send the same bytes to many sockets with one call, without the interpreter's lock. See send.py, its twin. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/types.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* The interpreter ignores SIGPIPE. */
#endif

typedef struct {
    PyObject *fd; /* the attribute's name, interned */
} State;

/* One outlet's descriptor, and afterwards how many bytes it took, or -1. */
typedef struct {
    int fd;
    Py_ssize_t taken;
} Target;

static int
descriptor(PyObject *outlet, PyObject *name, int *fd)
{
    PyObject *value = PyObject_GetAttr(outlet, name);
    if (value == NULL) {
        return -1;
    }
    long number = PyLong_AsLong(value);
    Py_DECREF(value);
    if (number == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (number > INT_MAX || number < INT_MIN) {
        PyErr_SetString(PyExc_OverflowError, "fd is no file descriptor");
        return -1;
    }
    *fd = (int)number;
    return 0;
}

static void
send_each(Target *targets, Py_ssize_t count, const char *bytes, size_t size)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        ssize_t taken = -1;
        if (targets[i].fd >= 0) {
            do {
                taken = send(targets[i].fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
            } while (taken < 0 && errno == EINTR);
        }
        targets[i].taken = taken;
    }
}

/* A list of (outlet, taken) for those that did not take all. */
static PyObject *
remaining(PyObject *outlets, const Target *targets, Py_ssize_t count, Py_ssize_t size)
{
    PyObject *list = PyList_New(0);
    for (Py_ssize_t i = 0; list != NULL && i < count; i++) {
        if (targets[i].taken == size) {
            continue;
        }
        PyObject *pair = Py_BuildValue("(On)", PyTuple_GET_ITEM(outlets, i), targets[i].taken);
        if (pair == NULL || PyList_Append(list, pair) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(pair);
    }
    return list;
}

static PyObject *
send_to_all(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    State *state = PyModule_GetState(module);
    if (nargs != 2 || !PyTuple_Check(args[0]) || !PyBytes_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "send_to_all(outlets: tuple, data: bytes)");
        return NULL;
    }
    PyObject *outlets = args[0];
    const char *bytes = PyBytes_AS_STRING(args[1]);
    Py_ssize_t size = PyBytes_GET_SIZE(args[1]);
    Py_ssize_t count = PyTuple_GET_SIZE(outlets);
    Target *targets = PyMem_New(Target, count > 0 ? count : 1);
    if (targets == NULL) {
        return PyErr_NoMemory();
    }
    PyObject *list = NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (descriptor(PyTuple_GET_ITEM(outlets, i), state->fd, &targets[i].fd) < 0) {
            goto done;
        }
    }
    Py_BEGIN_ALLOW_THREADS
    send_each(targets, count, bytes, (size_t)size);
    Py_END_ALLOW_THREADS
    list = remaining(outlets, targets, count, size);
done:
    PyMem_Free(targets);
    return list;
}

PyDoc_STRVAR(send_to_all_doc, "Send data to each outlet with a descriptor; (outlet, taken) of those that took less.");

static PyMethodDef methods[] = {
    {"send_to_all", (PyCFunction)(void (*)(void))send_to_all, METH_FASTCALL, send_to_all_doc},
    {NULL, NULL, 0, NULL},
};

static int
start(PyObject *module)
{
    State *state = PyModule_GetState(module);
    state->fd = PyUnicode_InternFromString("fd");
    return state->fd == NULL ? -1 : 0;
}

static int
traverse(PyObject *module, visitproc visit, void *arg)
{
    State *state = PyModule_GetState(module);
    Py_VISIT(state->fd);
    return 0;
}

static int
clear(PyObject *module)
{
    State *state = PyModule_GetState(module);
    Py_CLEAR(state->fd);
    return 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, start},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_send",
    .m_doc = "The compiled twin of chatserver.delivery.send.",
    .m_size = sizeof(State),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
};

PyMODINIT_FUNC
PyInit__send(void)
{
    return PyModuleDef_Init(&definition);
}
