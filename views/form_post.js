// Called through the prototype: a response parameter named "submit" would hide the form's own method.
HTMLFormElement.prototype.submit.call(document.getElementById('form_post'))
